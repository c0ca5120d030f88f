variable "prefix" {
  description = "What every name begins with"
  type        = string
}

variable "name" {
  description = "Name of the function without the prefix, and of its zip without the ending"
  type        = string
}

variable "description" {
  description = "What it does, for whoever reads the console"
  type        = string
}

variable "zips" {
  description = "Folder that holds the zip"
  type        = string
}

variable "policy" {
  description = "What the function may do beside writing its log, as JSON"
  type        = string
}

variable "environment" {
  description = "The function's environment"
  type        = map(string)
}

variable "memory_mb" {
  description = "Memory in MB; processor time grows with it"
  type        = number
  default     = 256
}

variable "timeout_s" {
  description = "Seconds after which an invocation is ended"
  type        = number
  default     = 10
}

variable "retries" {
  description = "How often an asynchronous invocation that failed is repeated, 0 to 2; null for a function that is never invoked so"
  type        = number
  default     = null
}

variable "log_days" {
  description = "Days after which log lines are deleted"
  type        = number
}
