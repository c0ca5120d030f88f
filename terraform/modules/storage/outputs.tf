output "buckets" {
  description = "Name and ARN of the buckets input, output and cache"
  value       = { for name, bucket in aws_s3_bucket.main : name => { name = bucket.bucket, arn = bucket.arn } }
}
