output "budget" {
  description = "Name of the budget, or null"
  value       = one(aws_budgets_budget.main[*].name)
}
