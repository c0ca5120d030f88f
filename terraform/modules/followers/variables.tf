variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "read_capacity" {
  description = "Read capacity units, 4 KB a second each"
  type        = number
}

variable "write_capacity" {
  description = "Write capacity units, 1 KB a second each"
  type        = number
}
