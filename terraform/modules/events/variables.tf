variable "prefix" {
  description = "What every name begins with"
  type        = string
}

variable "relay" {
  description = "Name and ARN of the function every event goes to"
  type        = object({ name = string, arn = string })
}
