output "bus" {
  description = "Name and ARN of the bus"
  value       = { name = aws_cloudwatch_event_bus.main.name, arn = aws_cloudwatch_event_bus.main.arn }
}
