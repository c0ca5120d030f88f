variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "relay" {
  description = "Name and ARN of the function that receives every event"
  type        = object({ name = string, arn = string })
}
