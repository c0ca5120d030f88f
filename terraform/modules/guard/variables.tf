variable "prefix" {
  description = "What every name begins with"
  type        = string
}

variable "email" {
  description = "Who is told; null for no budget"
  type        = string
}

variable "usd" {
  description = "US dollars a month"
  type        = number
}
