locals {
  zips = coalesce(var.lambda_zips, "${path.root}/../target/lambdas")
}

data "aws_region" "current" {}
