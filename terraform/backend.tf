# `terraform init` chooses where the state is kept: in a file on this machine (-backend-config=path=…), or with an override
# file in an S3 bucket (docs/deploying.md).

terraform {
  backend "local" {}
}
