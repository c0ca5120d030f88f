//! Problems before anything is deployed: reported at once, with a remedy.

use std::fs;

use serde_json::json;

use crate::cloud::EmptyAccount;
use crate::machine::Machine;

fn with_machine(test: impl FnOnce(&EmptyAccount, Machine)) {
    let folder = tempfile::tempdir().expect("a folder");
    let cloud = EmptyAccount::start(folder.path());
    test(&cloud, Machine::new(folder.path().to_owned(), &cloud));
    assert!(cloud.left().is_empty(), "{:?}", cloud.left());
}

#[test]
fn missing_tools_are_named_with_a_remedy() {
    with_machine(|_, machine| {
        fs::write(machine.path("docker/down"), "").expect("a file");
        machine
            .make(&["deploy"])
            .badly()
            .says(&["docker is installed but doesn't work", "Cannot connect to the Docker daemon"]);
        fs::rename(machine.path("docker/down"), machine.path("docker/without-buildx")).expect("it was there");
        machine.make(&["deploy"]).badly().says(&["docker is installed without buildx", "docker-buildx"]);
        let machine = machine.without("docker");
        for verb in ["deploy", "plan", "status", "logs", "destroy"] {
            machine.make(&[verb]).badly().says(&["docker is not installed", "docs.docker.com"]);
        }
    });
    with_machine(|_, machine| {
        machine.without("terraform").make(&["deploy"]).badly().says(&["terraform is not installed"]);
    });
}

#[test]
fn missing_or_wrong_credentials_and_regions_are_explained() {
    with_machine(|cloud, mut machine| {
        machine.make(&["deploy", "REGION=Frankfurt"]).badly().says(&["`Frankfurt` is not the code of a region"]);
        machine.make(&["deploy", "DEPLOYMENT=My_Builds"]).badly().says(&["DEPLOYMENT is `My_Builds`"]);
        // AWS's own answers (docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html).
        for (code, message, says) in [
            ("ExpiredToken", "The security token included in the request is expired", "credentials have expired"),
            (
                "InvalidClientTokenId",
                "The security token included in the request is invalid",
                "has enabled this region",
            ),
        ] {
            cloud.refuse(&[json!({
                "body": "Action=GetCallerIdentity", "status": 403, "type": "text/xml",
                "answer": format!("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                                   <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"),
            })]);
            machine.make(&["deploy"]).badly().says(&[says, message]);
        }
        cloud.refuse(&[]);
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            machine.set(name, None);
        }
        machine.make(&["deploy"]).badly().says(&["no region is chosen", "make deploy REGION=eu-central-1"]);
        machine.set("AWS_ACCESS_KEY_ID", None).set("AWS_SECRET_ACCESS_KEY", None);
        machine
            .make(&["deploy", "REGION=us-east-1"])
            .badly()
            .says(&["no AWS credentials are found", "docs/deploying.md"]);
        // Credentials from a file work as well and reach the container.
        fs::create_dir_all(machine.path("home/.aws")).expect("a folder");
        fs::write(
            machine.path("home/.aws/credentials"),
            "[default]\naws_access_key_id = AK\naws_secret_access_key = hidden\n",
        )
        .expect("a file");
        // The container's user can read the mounted files, even where docker runs without root.
        machine.replace("id", "#!/bin/sh\necho 1000\n");
        fs::remove_file(machine.path("docker/asked")).expect("docker was asked before");
        machine.make(&["status", "REGION=us-east-1"]).badly().says(&["nothing is deployed as `cargo-cloud`"]);
        assert!(machine.asked_of_docker().contains("--user 1000:1000"), "{}", machine.asked_of_docker());
        assert!(!machine.asked_of_docker().contains("--user 0:0"), "{}", machine.asked_of_docker());
        fs::write(machine.path("docker/rootless"), "").expect("a file");
        machine.make(&["status", "REGION=us-east-1"]).badly().says(&["nothing is deployed as `cargo-cloud`"]);
        assert!(machine.asked_of_docker().contains("--user 0:0"), "{}", machine.asked_of_docker());
        machine.make(&["destroy", "REGION=us-east-1"]).badly().says(&["nothing to remove"]);
        machine.make(&["device", "REGION=us-east-1"]).badly().says(&["make device NAME=tablet"]);
        machine.set("NAME", Some("the-machines-own"));
        machine.make(&["device", "REGION=us-east-1"]).badly().says(&["make device NAME=tablet"]);
        machine.make(&["device", "REGION=us-east-1", "NAME=tablet"]).badly().says(&["type `make deploy`"]);
    });
}
