# Lets a device follow the builds of its owner.

module "connect" {
  source = "./modules/lambda"

  prefix      = var.prefix
  name        = "connect"
  description = "Records the followers of builds"
  zips        = local.zips
  policy      = data.aws_iam_policy_document.connect.json
  log_days    = var.log_days

  environment = {
    TABLE     = module.followers.table.name
    USER_PATH = "/${var.prefix}/"
  }
}

data "aws_iam_policy_document" "connect" {
  statement {
    sid       = "Remember"
    actions   = ["dynamodb:PutItem"]
    resources = [module.followers.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["build#*", "conn#*"]
    }
  }
}
