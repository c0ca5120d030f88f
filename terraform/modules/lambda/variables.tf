variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "name" {
  description = "Name of the function without the prefix, and of its zip without the extension"
  type        = string
}

variable "description" {
  description = "Purpose of the function, shown in the AWS console"
  type        = string
}

variable "zips" {
  description = "Folder that contains the zip"
  type        = string
}

variable "policy" {
  description = "Policy of the function as JSON, in addition to writing its log"
  type        = string
}

variable "environment" {
  description = "Environment variables of the function"
  type        = map(string)
}

variable "memory_mb" {
  description = "Memory in MB; processor time grows with it"
  type        = number
  default     = 256
}

variable "timeout_s" {
  description = "Time-out of an invocation in seconds"
  type        = number
  default     = 10
}

variable "retries" {
  description = "How often a failed asynchronous invocation is retried, 0 to 2; null for a function that is never invoked asynchronously"
  type        = number
  default     = null
}

variable "log_days" {
  description = "Days after which log lines are deleted"
  type        = number
}
