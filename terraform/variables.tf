variable "prefix" {
  description = "Prefix of every name; another prefix makes another deployment in the same account"
  type        = string
  default     = "cargo-cloud"

  validation {
    # The longest name is that of a bucket: <prefix>-output-<account>-<region>, 63 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.prefix)) && !strcontains(var.prefix, "--")
    error_message = "prefix must be 2 to 24 lower-case letters, digits and single hyphens, begin with a letter and not end with a hyphen: it becomes part of bucket names."
  }
}

variable "region" {
  description = "AWS region, for example eu-central-1; null for the region of your environment (AWS_REGION) or profile"
  type        = string
  default     = null

  validation {
    condition     = var.region == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, for example eu-central-1, not its name."
  }
}

variable "image_uri" {
  description = "URI of the compile function's container image, <repository_url>@sha256:<digest>; null until the first one is pushed"
  type        = string
  default     = null

  validation {
    condition     = var.image_uri == null || can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$", var.image_uri))
    error_message = "image_uri must name an image in a private ECR repository by its digest, <account>.dkr.ecr.<region>.amazonaws.com/<name>@sha256:<64 hexadecimal digits>. A tag won't do: it can move, and Terraform would not see it."
  }
}

variable "lambda_zips" {
  description = "Folder with connect.zip, disconnect.zip and relay.zip; null for target/lambdas next to this folder"
  type        = string
  default     = null

  validation {
    condition = alltrue([
      for name in ["connect", "disconnect", "relay"] :
      fileexists("${coalesce(var.lambda_zips, "${path.root}/../target/lambdas")}/${name}.zip")
    ])
    error_message = "lambda_zips must be a folder that holds connect.zip, disconnect.zip and relay.zip. They are built from lambdas/ in the project's folder."
  }
}

variable "memory_mb" {
  description = "Memory of the compile function in MB. Lambda gives one processor for each 1,769 MB, six for 10,240"
  type        = number
  default     = 10240

  validation {
    condition     = var.memory_mb >= 1024 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number from 1024 (less is too little for rustc) to 10240 (Lambda's most). AWS caps new accounts at 3008 until you ask for more (Service Quotas, Lambda)."
  }
}

variable "tmp_mb" {
  description = "Size of the compile function's /tmp in MB: toolchain, crates, source and target directories"
  type        = number
  default     = 10240

  validation {
    condition     = var.tmp_mb >= 2048 && var.tmp_mb <= 10240 && floor(var.tmp_mb) == var.tmp_mb
    error_message = "tmp_mb must be a whole number from 2048 (less won't hold a target directory) to 10240 (Lambda's most)."
  }
}

variable "timeout_s" {
  description = "Time-out of one attempt of a build in seconds; longer builds continue in further attempts"
  type        = number
  default     = 900

  validation {
    condition     = var.timeout_s >= 120 && var.timeout_s <= 900 && floor(var.timeout_s) == var.timeout_s
    error_message = "timeout_s must be a whole number of seconds from 120 (less leaves no time to save) to 900 (Lambda's most)."
  }
}

variable "event_age_s" {
  description = "Seconds that a build may wait to start, while others use the account's concurrency"
  type        = number
  default     = 3600

  validation {
    condition     = var.event_age_s >= 60 && var.event_age_s <= 21600 && floor(var.event_age_s) == var.event_age_s
    error_message = "event_age_s must be a whole number of seconds from 60 to 21600 (six hours), Lambda's limits."
  }
}

variable "monthly_gb_seconds" {
  description = "Memory in GB × seconds that all builds of a month may use; after that builds are refused. 400,000 are free every month (aws.amazon.com/lambda/pricing)"
  type        = number
  default     = 400000

  validation {
    condition     = floor(var.monthly_gb_seconds) == var.monthly_gb_seconds && var.monthly_gb_seconds >= var.memory_mb / 1024 * var.timeout_s
    error_message = "monthly_gb_seconds must be a whole number, and at least what one attempt can use: memory_mb / 1024 × timeout_s. With less every build would be refused; with 0 you would have a platform that builds nothing."
  }
}

variable "table_capacity" {
  description = "Read and write units of the table. 25 of each are free in an account; several deployments share them"
  type        = object({ read = optional(number, 25), write = optional(number, 25) })
  default     = {}

  validation {
    condition = alltrue([
      for units in [var.table_capacity.read, var.table_capacity.write] : units >= 1 && floor(units) == units
    ])
    error_message = "table_capacity must have whole numbers from 1 on, for example { read = 12, write = 12 } for each of two deployments."
  }
}

variable "targets" {
  description = "Targets the image can build for: a client refuses others before it sends a source"
  type        = list(string)
  default     = ["aarch64-linux-android", "x86_64-unknown-linux-gnu"]

  validation {
    condition     = length(var.targets) > 0 && alltrue([for target in var.targets : can(regex("^[a-z0-9_.]+(-[a-z0-9_.]+){1,3}$", target))])
    error_message = "targets must be a list of Rust's target names, for example [\"aarch64-linux-android\"] (rustc --print target-list)."
  }
}

variable "devices" {
  description = "Devices that may build, by name, each with its owner: { tablet = { owner = \"me\" } }. Owners can't see the builds of other owners"
  type        = map(object({ owner = optional(string, "me") }))
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.devices) : can(regex("^[a-z0-9][a-z0-9_-]{0,31}$", name))])
    error_message = "The name of a device must be 1 to 32 lower-case letters, digits, hyphens and underscores, and begin with a letter or digit."
  }

  validation {
    condition     = alltrue([for device in values(var.devices) : can(regex("^[a-z0-9][a-z0-9_-]{0,31}$", device.owner))])
    error_message = "An owner must be 1 to 32 lower-case letters, digits, hyphens and underscores, and begin with a letter or digit, for example { tablet = { owner = \"me\" } }."
  }
}

variable "budget_email" {
  description = "Address that gets a mail when the account's cost of a month approaches budget_usd; null for no budget"
  type        = string
  default     = null

  validation {
    condition     = var.budget_email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.budget_email))
    error_message = "budget_email must be a mail address, or null for no budget."
  }
}

variable "budget_usd" {
  description = "Amount of the budget in US dollars a month"
  type        = number
  default     = 5

  validation {
    condition     = var.budget_usd > 0
    error_message = "budget_usd must be more than 0. For no budget leave budget_email out."
  }
}

variable "input_days" {
  description = "Days after which sources are deleted"
  type        = number
  default     = 1

  validation {
    condition     = var.input_days >= 1 && floor(var.input_days) == var.input_days
    error_message = "input_days must be a whole number from 1 on: S3 counts days."
  }
}

variable "output_days" {
  description = "Days after which artifacts, logs and results are deleted"
  type        = number
  default     = 7

  validation {
    condition     = var.output_days >= 1 && floor(var.output_days) == var.output_days
    error_message = "output_days must be a whole number from 1 on: S3 counts days."
  }
}

variable "cache_days" {
  description = "Days after the last build until a project's cache is deleted"
  type        = number
  default     = 30

  validation {
    condition     = var.cache_days >= 1 && floor(var.cache_days) == var.cache_days
    error_message = "cache_days must be a whole number from 1 on: S3 counts days."
  }
}

variable "log_days" {
  description = "Days after which the functions' log lines are deleted"
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_days)
    error_message = "log_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180 and 365: CloudWatch knows no others below a year."
  }
}

variable "tags" {
  description = "Tags for all resources, in addition to cargo-cloud = <prefix>"
  type        = map(string)
  default     = {}
}
