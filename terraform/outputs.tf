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

output "devices" {
  description = "The IAM user and the owner of each device; keys: aws iam create-access-key --user-name <user>"
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

output "repository_url" {
  description = "Where the compile function's image is pushed to, without a tag"
  value       = module.registry.url
}

output "table" {
  description = "Name of the table"
  value       = module.followers.table.name
}
