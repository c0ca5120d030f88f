output "url" {
  description = "URL that images are pushed to, without a tag"
  value       = aws_ecr_repository.main.repository_url
}

output "name" {
  description = "Name of the repository"
  value       = aws_ecr_repository.main.name
}
