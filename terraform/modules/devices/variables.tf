variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "devices" {
  description = "Devices by name, each with its owner"
  type        = map(object({ owner = string }))
}

variable "buckets" {
  description = "Name and ARN of the buckets input and output"
  type        = map(object({ name = string, arn = string }))
}

variable "socket_arn" {
  description = "ARN of the WebSocket API's stage"
  type        = string
}

variable "capabilities_key" {
  description = "Key in the output bucket of what the backend can build: every device may read it"
  type        = string
}
