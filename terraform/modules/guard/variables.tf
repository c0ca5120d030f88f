variable "prefix" {
  description = "Prefix of every name"
  type        = string
}

variable "email" {
  description = "Address that receives the mails; null for no budget"
  type        = string
}

variable "usd" {
  description = "Amount of the budget in US dollars a month"
  type        = number
}
