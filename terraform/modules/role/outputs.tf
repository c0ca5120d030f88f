output "arn" {
  description = "ARN of the role. Known once it may do everything it needs: a function that starts earlier would be refused"
  value       = aws_iam_role.main.arn
  depends_on  = [aws_iam_role_policy.logs, aws_iam_role_policy.work]
}
