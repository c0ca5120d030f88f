locals {
  zips = coalesce(var.lambda_zips, "${path.root}/../target/lambdas")

  # `keys::CAPABILITIES` in protocol/src/keys.rs. No owner's name begins with an underscore.
  capabilities_key = "_backend.json"
}

data "aws_region" "current" {}
