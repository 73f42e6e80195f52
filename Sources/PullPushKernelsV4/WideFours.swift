import KernelInterface

// The loops of `GramOfFour` and `UnitFours` with registers of 64 bytes. Exported as `multiplyFloats` is.

@export(interface)
public func measureFourOfFloats(_ identity: IdentityAddresses, dim: Int, to gram: UnsafeMutableRawPointer) {
    gram.storeBytes(of: Gram(IdentityOfFour<Float>(identity), dim: dim), as: Gram.self)
}

@export(interface)
public func writeFourOfFloats(_ identity: IdentityAddresses, dim: Int, by shares: UnsafeMutableRawPointer) {
    writeFour(IdentityOfFour(identity), by: shares.assumingMemoryBound(to: Float.self), dim)
}

@export(interface)
public func writeUnitFoursOfFloats(
    _ job: UnsafePointer<GradientJob>, _ space: LinearSpace, onSum: Float, _ number: inout Int, _ end: Int
) -> RowSums {
    writeUnitFours(Float.self, LinearRows(job, space), onSum: onSum, &number, end)
}
