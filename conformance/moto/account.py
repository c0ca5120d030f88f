"""Commands for the emulated account that Terraform has no part in. `keys USER…` makes an access key for each user, `left`
lists all resources, `id` prints the account's number, and `call SERVICE OPERATION ARGUMENTS` makes any call, with arguments
in JSON. All of them print JSON. AWS_ENDPOINT_URL is the address of the account."""

import json
import sys

import boto3


def keys(users):
    iam = boto3.client("iam")
    made = {user: iam.create_access_key(UserName=user)["AccessKey"] for user in users}
    return {user: {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]} for user, key in made.items()}


def identity():
    return boto3.client("sts").get_caller_identity()["Account"]


def left():
    def of(service, operation, field, name, **arguments):
        answer = getattr(boto3.client(service), operation)(**arguments)
        return [f"{service}: {item[name] if name else item}" for item in answer[field]]

    buses = boto3.client("events").list_event_buses()["EventBuses"]
    return (
        of("s3", "list_buckets", "Buckets", "Name")
        + of("dynamodb", "list_tables", "TableNames", None)
        + of("lambda", "list_functions", "Functions", "FunctionName")
        + of("iam", "list_users", "Users", "UserName")
        + of("iam", "list_groups", "Groups", "GroupName")
        + of("iam", "list_roles", "Roles", "RoleName")
        + of("iam", "list_policies", "Policies", "PolicyName", Scope="Local")
        + [f"events: {bus['Name']}" for bus in buses if bus["Name"] != "default"]
        + of("events", "list_rules", "Rules", "Name")
        + of("apigatewayv2", "get_apis", "Items", "Name")
        + of("logs", "describe_log_groups", "logGroups", "logGroupName")
        + of("ecr", "describe_repositories", "repositories", "repositoryName")
        + of("budgets", "describe_budgets", "Budgets", "BudgetName", AccountId=identity())
    )


def call(service, operation, arguments):
    answer = getattr(boto3.client(service), operation)(**json.loads(arguments))
    answer.pop("ResponseMetadata", None)
    if "Body" in answer:
        answer["Body"] = answer["Body"].read().decode()
    return answer


if __name__ == "__main__":
    commands = {"keys": lambda: keys(sys.argv[2:]), "left": left, "id": identity, "call": lambda: call(*sys.argv[2:])}
    print(json.dumps(commands[sys.argv[1]](), default=str))
