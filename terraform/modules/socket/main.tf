# The WebSocket API through which clients follow their builds.

locals {
  stage = "v1"
  routes = {
    "$connect"    = var.functions.connect
    "$disconnect" = var.functions.disconnect
    "resume"      = var.functions.relay
  }
}

resource "aws_apigatewayv2_api" "main" {
  name                       = var.prefix
  description                = "Followers of the builds of ${var.prefix}"
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.action"
}

resource "aws_apigatewayv2_integration" "main" {
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.main.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = each.value.invoke_arn
}

# API Gateway checks a signature at $connect, and only there. After that the connection itself identifies the client.
resource "aws_apigatewayv2_route" "main" {
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.main.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.main[each.key].id}"
  authorization_type = each.key == "$connect" ? "AWS_IAM" : "NONE"
}

resource "aws_apigatewayv2_stage" "main" {
  api_id      = aws_apigatewayv2_api.main.id
  name        = local.stage
  auto_deploy = true

  # A client connects once and sends one `resume`, and again after a connection broke.
  default_route_settings {
    throttling_rate_limit  = 50
    throttling_burst_limit = 100
  }

  # The first deployment already has its routes.
  depends_on = [aws_apigatewayv2_route.main]
}

resource "aws_lambda_permission" "main" {
  for_each = local.routes

  statement_id  = "Route-${trimprefix(each.key, "$")}"
  action        = "lambda:InvokeFunction"
  function_name = each.value.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.main.execution_arn}/${local.stage}/${each.key}"
}
