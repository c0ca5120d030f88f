output "arn" {
  description = "ARN of the role. It depends on the role's policies: a function that starts before them would be refused"
  value       = aws_iam_role.main.arn
  depends_on  = [aws_iam_role_policy.logs, aws_iam_role_policy.work]
}
