variable "prefix" {
  description = "What every name begins with"
  type        = string
}

variable "read_capacity" {
  description = "Read units: 4 KB a second each"
  type        = number
}

variable "write_capacity" {
  description = "Write units: 1 KB a second each"
  type        = number
}
