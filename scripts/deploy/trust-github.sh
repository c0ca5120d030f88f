#!/usr/bin/env bash
# Run this once before .github/workflows/deploy.yml: it lets the environment `aws` of a repository on GitHub act in this AWS
# account, and creates the bucket for Terraform's state. Run it in AWS CloudShell (a terminal in the browser,
# console.aws.amazon.com), which has the AWS CLI and your rights.
#
#   scripts/deploy/trust-github.sh YOU/cargo-cloud           running it again changes nothing
#   scripts/deploy/trust-github.sh YOU/cargo-cloud --remove
set -euo pipefail
repository=${1:?usage: trust-github.sh YOU/REPOSITORY [--remove]}
[[ $repository =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ ]] || {
    echo "error: \`$repository\` is not the name of a repository; it looks like YOU/cargo-cloud" >&2
    exit 1
}
role=cargo-cloud-deploy
account=$(aws sts get-caller-identity --query Account --output text)
region=${AWS_REGION:?set AWS_REGION}
bucket=cargo-cloud-state-$account-$region
provider=arn:aws:iam::$account:oidc-provider/token.actions.githubusercontent.com
administrator=arn:aws:iam::aws:policy/AdministratorAccess

if [ "${2:-}" = --remove ]; then
    if aws iam get-role --role-name "$role" >/dev/null; then
        aws iam detach-role-policy --role-name "$role" --policy-arn "$administrator"
        aws iam delete-role --role-name "$role"
    fi
    echo "The role is removed. These stay: the bucket $bucket (delete it in the console once nothing is deployed), and"
    echo "GitHub as an identity provider, which other repositories may use."
    exit
fi

aws iam get-open-id-connect-provider --open-id-connect-provider-arn "$provider" >/dev/null 2>&1 ||
    aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com >/dev/null
trust=$(
    cat <<JSON
{ "Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": { "Federated": "$provider" },
    "Condition": { "StringEquals": {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:$repository:environment:aws" } } }] }
JSON
)
if aws iam get-role --role-name "$role" >/dev/null 2>&1; then
    aws iam update-assume-role-policy --role-name "$role" --policy-document "$trust"
else
    aws iam create-role --role-name "$role" --assume-role-policy-document "$trust" --max-session-duration 7200 >/dev/null
fi
aws iam attach-role-policy --role-name "$role" --policy-arn "$administrator"

if ! aws s3api head-bucket --bucket "$bucket" >/dev/null 2>&1; then
    place=()
    [ "$region" = us-east-1 ] || place=(--create-bucket-configuration "LocationConstraint=$region")
    aws s3api create-bucket --bucket "$bucket" "${place[@]}" >/dev/null
fi
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled

cat <<DONE
In your fork, under Settings, make an environment \`aws\`, which only the branch main may use and where you must approve each
run. Then under Secrets and variables, Actions:

  variable AWS_ROLE_ARN       arn:aws:iam::$account:role/$role
  variable AWS_REGION         $region
  variable STATE_BUCKET       $bucket
  secret   DEVICE_PASSPHRASE  $(openssl rand -base64 24)   (or another of 20 characters or more; keep it)
DONE
