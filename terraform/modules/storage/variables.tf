variable "prefix" {
  description = "What every name begins with"
  type        = string
}

variable "input_days" {
  description = "Days after which sources are deleted"
  type        = number
}

variable "output_days" {
  description = "Days after which artifacts, logs and results are deleted"
  type        = number
}

variable "cache_days" {
  description = "Days after which caches of projects are deleted; every build that saves its cache begins anew"
  type        = number
}
