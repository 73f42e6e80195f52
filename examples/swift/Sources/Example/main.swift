// Loss and gradient of a small batch from Swift, and what a wrong argument looks like.
import PullPush

/// Four decimals, without Foundation.
func rounded(_ value: some BinaryFloatingPoint) -> Double {
    (Double(value) * 10_000).rounded() / 10_000
}

let features: [Float] = [
    2, 1, 4, 3,  // identity 0
    3, 4, 1, 5,  // identity 1
]
let loss = PullPushLoss(normalize: .l2, push: .hinge(margin: 0.25))

let (result, gradient) = try loss.valueAndGradient(of: features, dim: 2, identities: .samplesPerId(2))
print("loss \(rounded(result.loss)) = pull \(rounded(result.pull)) + push \(rounded(result.push))")
print("gradient of row 0: \(gradient[..<2].map(rounded))")

do {
    _ = try loss.value(of: features, dim: 2, identities: .labels([1, 1, 2]))
} catch {
    print("refused: \(error)")
}
