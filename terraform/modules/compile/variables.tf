variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "image_uri" {
  description = "URI of the container image, with its digest"
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
  description = "Time-out of an attempt in seconds"
  type        = number
}

variable "event_age_s" {
  description = "Seconds that a build may wait to start before it is given up"
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
