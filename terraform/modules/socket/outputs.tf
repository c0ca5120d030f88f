output "url" {
  description = "URL that clients connect to"
  value       = "${aws_apigatewayv2_api.main.api_endpoint}/${local.stage}"
}

output "endpoint" {
  description = "URL for posting messages to connections. It depends only on the API, because the function that posts is itself behind a route"
  value       = "${replace(aws_apigatewayv2_api.main.api_endpoint, "wss://", "https://")}/${local.stage}"
}

output "arn" {
  description = "ARN of the deployed stage, for use in policies"
  value       = "${aws_apigatewayv2_api.main.execution_arn}/${local.stage}"
}
