variable "name" {
  description = "Name of the function, and of its role"
  type        = string
}

variable "policy" {
  description = "What the function may do, as JSON"
  type        = string
}

variable "log_days" {
  description = "Days after which log lines are deleted"
  type        = number
}
