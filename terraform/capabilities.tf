# What this backend can build. Clients read it before they send a source, so that a target is refused at once.

resource "aws_s3_object" "capabilities" {
  bucket       = module.storage.buckets.output.name
  key          = local.capabilities_key
  content_type = "application/json"

  # The form is `Capabilities` in protocol/src/capabilities.rs.
  content = jsonencode({
    protocol = 1
    host     = "x86_64-unknown-linux-gnu"
    targets  = var.targets
    advice   = "To add a target, whoever deployed it types `make deploy` with ANDROID_ABIS or LINUX_TARGETS."
  })
}
