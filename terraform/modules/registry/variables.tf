variable "prefix" {
  description = "What every name begins with"
  type        = string
}

variable "keep" {
  description = "How many images are kept beside the deployed one"
  type        = number
  default     = 2
}
