output "client" {
  description = "What a client's configuration needs beside its keys"
  value = {
    region        = data.aws_region.current.name
    input_bucket  = module.storage.buckets.input.name
    output_bucket = module.storage.buckets.output.name
    socket        = module.socket.url
    targets       = var.targets
  }
}

output "buckets" {
  description = "The buckets by what they are for"
  value       = { for what, bucket in module.storage.buckets : what => bucket.name }
}

output "devices" {
  description = "The IAM user and the owner of each device. Where the variable `devices` is kept: scripts/deploy reads it here"
  value       = module.devices.devices
}

output "functions" {
  description = "The functions by what they do"
  value = {
    compile    = module.compile.name
    connect    = module.connect.name
    disconnect = module.disconnect.name
    relay      = module.relay.name
  }
}

output "image_uri" {
  description = "The compile function's image, by digest"
  value       = var.image_uri
}

output "monthly_gb_seconds" {
  description = "What all builds of a month may use, memory in GB × seconds"
  value       = var.monthly_gb_seconds
}

output "region" {
  description = "Where all of it is"
  value       = data.aws_region.current.name
}

output "repository_url" {
  description = "Where the compile function's image is pushed to, without a tag"
  value       = module.registry.url
}

output "table" {
  description = "Name of the table"
  value       = module.followers.table.name
}
