import CVectors

/// The row at an address of which the compiler does not see how it came about, see `cvectors_address`.
@inline(__always)
func hiddenRow<S>(at address: UnsafeRawPointer) -> UnsafePointer<S> {
    UnsafeRawPointer(cvectors_address(address)).assumingMemoryBound(to: S.self)
}
