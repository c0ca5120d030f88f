# Stores the events of builds, posts them to followers, and writes the result of builds whose function died.

module "relay" {
  source = "./modules/lambda"

  prefix      = var.prefix
  name        = "relay"
  description = "Passes the events of builds on to their followers"
  zips        = local.zips
  policy      = data.aws_iam_policy_document.relay.json
  timeout_s   = 60
  retries     = 2
  log_days    = var.log_days

  environment = {
    TABLE            = module.followers.table.name
    OUTPUT_BUCKET    = module.storage.buckets.output.name
    COMPILE_FUNCTION = module.compile.name
    SOCKET_ENDPOINT  = module.socket.endpoint
  }
}

data "aws_iam_policy_document" "relay" {
  statement {
    sid       = "Builds"
    actions   = ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:DeleteItem"]
    resources = [module.followers.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["build#*"]
    }
  }

  statement {
    sid       = "Connections"
    actions   = ["dynamodb:GetItem", "dynamodb:DeleteItem"]
    resources = [module.followers.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["conn#*"]
    }
  }

  statement {
    sid       = "Usage"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [module.followers.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["usage#*"]
    }
  }

  statement {
    sid       = "Post"
    actions   = ["execute-api:ManageConnections"]
    resources = ["${module.socket.arn}/POST/@connections/*"]
  }

  statement {
    sid       = "EndBuilds"
    actions   = ["s3:PutObject"]
    resources = ["${module.storage.buckets.output.arn}/*/*/result.json"]
  }

  statement {
    sid       = "NextAttempt"
    actions   = ["lambda:InvokeFunction"]
    resources = [module.compile.arn]
  }
}
