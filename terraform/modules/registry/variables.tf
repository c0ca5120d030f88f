variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "keep" {
  description = "Number of images to keep besides the deployed one"
  type        = number
  default     = 2
}
