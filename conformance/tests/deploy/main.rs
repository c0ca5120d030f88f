//! Deploying as a person does it: `make deploy` and the other commands, with the real Terraform, operator and client. AWS
//! is an emulated account, docker a stand-in. `make test-deploy` runs these scenarios.

mod beginnings;
mod cloud;
mod installer;
mod machine;
mod story;
