output "client" {
  description = "Everything a client's configuration needs, except the access key"
  value = {
    region        = data.aws_region.current.name
    input_bucket  = module.storage.buckets.input.name
    output_bucket = module.storage.buckets.output.name
    socket        = module.socket.url
    targets       = var.targets
  }
}

output "buckets" {
  description = "Names of the buckets: input, output and cache"
  value       = { for what, bucket in module.storage.buckets : what => bucket.name }
}

output "devices" {
  description = "The IAM user and the owner of each device. scripts/deploy reads the value of the variable `devices` here"
  value       = module.devices.devices
}

output "functions" {
  description = "Names of the functions: compile, connect, disconnect and relay"
  value = {
    compile    = module.compile.name
    connect    = module.connect.name
    disconnect = module.disconnect.name
    relay      = module.relay.name
  }
}

output "image_uri" {
  description = "URI of the compile function's image, with its digest"
  value       = var.image_uri
}

output "monthly_gb_seconds" {
  description = "Memory in GB × seconds that all builds of a month may use"
  value       = var.monthly_gb_seconds
}

output "region" {
  description = "Region of the deployment"
  value       = data.aws_region.current.name
}

output "repository_url" {
  description = "URL that the compile function's image is pushed to, without a tag"
  value       = module.registry.url
}

output "table" {
  description = "Name of the table"
  value       = module.followers.table.name
}
