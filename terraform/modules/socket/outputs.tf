output "url" {
  description = "Where clients connect to"
  value       = "${aws_apigatewayv2_api.main.api_endpoint}/${local.stage}"
}

output "endpoint" {
  description = "Where messages are posted to connections. Known as soon as the API is: the function that posts is itself behind a route"
  value       = "${replace(aws_apigatewayv2_api.main.api_endpoint, "wss://", "https://")}/${local.stage}"
}

output "arn" {
  description = "ARN of the deployed stage, which policies name"
  value       = "${aws_apigatewayv2_api.main.execution_arn}/${local.stage}"
}
