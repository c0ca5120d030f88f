variable "prefix" {
  description = "What every name begins with"
  type        = string
}

variable "image_uri" {
  description = "The container image, by digest"
  type        = string
}

variable "buckets" {
  description = "Name and ARN of the buckets input, output and cache"
  type        = map(object({ name = string, arn = string }))
}

variable "bus" {
  description = "Name and ARN of the event bus"
  type        = object({ name = string, arn = string })
}

variable "table" {
  description = "Name and ARN of the table"
  type        = object({ name = string, arn = string })
}

variable "memory_mb" {
  description = "Memory in MB; processor time grows with it"
  type        = number
}

variable "tmp_mb" {
  description = "Size of /tmp in MB"
  type        = number
}

variable "timeout_s" {
  description = "Seconds after which an attempt is ended"
  type        = number
}

variable "event_age_s" {
  description = "Seconds after which a build that could not begin is given up"
  type        = number
}

variable "monthly_gb_seconds" {
  description = "Memory in GB × seconds that all builds of a month may use"
  type        = number
}

variable "log_days" {
  description = "Days after which log lines are deleted"
  type        = number
}
