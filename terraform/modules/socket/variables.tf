variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "functions" {
  description = "The functions behind the routes: connect, disconnect, and relay for `resume`"
  type        = map(object({ name = string, invoke_arn = string }))
}
