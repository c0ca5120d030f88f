fn main() {
    println!("{}", serde_json::json!({ "crates": "many" }));
}
