"""Corrects answers of moto that differ from those of AWS, as far as Terraform or the SDK notice. With the corrections a
second plan is empty, `destroy` succeeds, and multipart uploads complete."""

from moto.awslambda.models import LambdaFunction
from moto.iam.access_control import PermissionResult
from moto.iam.responses import IamResponse
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response


def close():
    """Installs all corrections in this process."""
    # moto only stores bucket policies; `aws-emulator serve` evaluates them, because moto would ignore their conditions.
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL
    IamResponse.list_service_specific_credentials = no_service_specific_credentials
    LambdaFunction.get_configuration = without_empty_image_config(LambdaFunction.get_configuration)
    S3Response.serialized = with_the_name_s3_gives(S3Response.serialized)


def with_the_name_s3_gives(serialized):
    """S3's answer to CompleteMultipartUpload has another name, and the SDK accepts no other."""

    def truthful(*arguments):
        status, headers, body = serialized(*arguments)
        return status, headers, body.replace("CompleteMultipartUploadResponse", "CompleteMultipartUploadResult")

    return truthful


def no_service_specific_credentials(response):
    """Terraform makes this call before it deletes a user with `force_destroy`. moto has no such credentials."""
    name = "ListServiceSpecificCredentials"
    return (
        f'<{name}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{name}Result>'
        f"<ServiceSpecificCredentials/></{name}Result>"
        f"<ResponseMetadata><RequestId>none</RequestId></ResponseMetadata></{name}Response>"
    )


def without_empty_image_config(get_configuration):
    """AWS returns no configuration for an image that overrides nothing; moto returns an empty one."""

    def truthful(function, *arguments, **options):
        configuration = get_configuration(function, *arguments, **options)
        if not any(configuration.get("ImageConfigResponse", {}).get("ImageConfig", {}).values()):
            configuration.pop("ImageConfigResponse", None)
        return configuration

    return truthful
