variable "prefix" {
  description = "Prefix of every name"
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
  description = "Days after which a project's cache is deleted; a build that saves the cache starts this period again"
  type        = number
}
