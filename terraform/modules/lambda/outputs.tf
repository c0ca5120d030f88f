output "name" {
  description = "Name of the function"
  value       = aws_lambda_function.main.function_name
}

output "arn" {
  description = "ARN of the function"
  value       = aws_lambda_function.main.arn
}

output "invoke_arn" {
  description = "ARN that an API's integration refers to"
  value       = aws_lambda_function.main.invoke_arn
}
