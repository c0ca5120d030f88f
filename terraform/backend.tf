# Where the state lies is said at `terraform init`: a file of this machine (-backend-config=path=…), or with an override
# file an S3 bucket (docs/deploying.md).

terraform {
  backend "local" {}
}
