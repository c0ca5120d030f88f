output "devices" {
  description = "The IAM user and the owner of each device"
  value       = { for name, user in aws_iam_user.main : name => { user = user.name, owner = var.devices[name].owner } }
}
