# Forgets a follower whose connection has ended.

module "disconnect" {
  source = "./modules/lambda"

  prefix      = var.prefix
  name        = "disconnect"
  description = "Forgets followers whose connection has ended"
  zips        = local.zips
  policy      = data.aws_iam_policy_document.disconnect.json
  log_days    = var.log_days

  environment = {
    TABLE = module.followers.table.name
  }
}

data "aws_iam_policy_document" "disconnect" {
  statement {
    sid       = "Forget"
    actions   = ["dynamodb:DeleteItem"]
    resources = [module.followers.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["build#*", "conn#*"]
    }
  }
}
