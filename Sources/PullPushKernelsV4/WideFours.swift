import KernelInterface

// The loops of `GramOfFour` with registers of 64 bytes. Exported as `multiplyFloats` is.

@export(interface)
public func measureFourOfFloats(_ identity: IdentityAddresses, dim: Int, to gram: UnsafeMutableRawPointer) {
    gram.storeBytes(of: Gram(IdentityOfFour<Float>(identity), dim: dim), as: Gram.self)
}

@export(interface)
public func writeFourOfFloats(_ identity: IdentityAddresses, dim: Int, by shares: UnsafeMutableRawPointer) {
    writeFour(IdentityOfFour(identity), by: shares.assumingMemoryBound(to: Float.self), dim)
}
