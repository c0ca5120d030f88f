# The platform of cargo-cloud: one module for each concern, connected here. The policy of each function is in the file
# with the function's name.

module "storage" {
  source = "./modules/storage"

  prefix      = var.prefix
  input_days  = var.input_days
  output_days = var.output_days
  cache_days  = var.cache_days
}

module "registry" {
  source = "./modules/registry"

  prefix = var.prefix
}

module "followers" {
  source = "./modules/followers"

  prefix         = var.prefix
  read_capacity  = var.table_capacity.read
  write_capacity = var.table_capacity.write
}

module "events" {
  source = "./modules/events"

  prefix = var.prefix
  relay  = module.relay
}

module "compile" {
  source = "./modules/compile"

  prefix             = var.prefix
  image_uri          = var.image_uri
  buckets            = module.storage.buckets
  bus                = module.events.bus
  table              = module.followers.table
  memory_mb          = var.memory_mb
  tmp_mb             = var.tmp_mb
  timeout_s          = var.timeout_s
  event_age_s        = var.event_age_s
  monthly_gb_seconds = var.monthly_gb_seconds
  log_days           = var.log_days
}

module "socket" {
  source = "./modules/socket"

  prefix    = var.prefix
  functions = { connect = module.connect, disconnect = module.disconnect, relay = module.relay }
}

module "devices" {
  source = "./modules/devices"

  prefix     = var.prefix
  devices    = var.devices
  buckets    = module.storage.buckets
  socket_arn = module.socket.arn

  capabilities_key = local.capabilities_key
}

module "guard" {
  source = "./modules/guard"

  prefix = var.prefix
  email  = var.budget_email
  usd    = var.budget_usd
}
