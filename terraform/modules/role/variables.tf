variable "name" {
  description = "Name of the function, and of its role"
  type        = string
}

variable "policy" {
  description = "Policy of the function as JSON"
  type        = string
}

variable "log_days" {
  description = "Days after which log lines are deleted"
  type        = number
}
