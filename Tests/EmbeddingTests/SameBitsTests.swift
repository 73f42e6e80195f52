import CPullPush
import CPython
import Foundation
import PullPush
import Testing

/// Swift by import, C through dlopen and Python through ctypes are one implementation: in one process, on one batch,
/// they give the same bits. The first runs the ordinary build of the sources, the others the Embedded one.
@Suite(.serialized) struct SameBitsTests {
    static let (rows, dim, samplesPerId) = (24, 37, 4)
    static let features: [Float] = (0..<rows * dim).map { sin(Float($0) * 0.37) + 0.01 * Float($0 % 11) }

    static let library = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../build/libpullpush.so").standardized.path

    @Test(arguments: [PullPushLoss.original, .orthogonal])
    func swiftCAndPythonAgree(_ loss: PullPushLoss) throws {
        let (result, gradient) = try loss.valueAndGradient(
            of: Self.features, dim: Self.dim, identities: .samplesPerId(Self.samplesPerId))
        let preset = loss == .original ? PULLPUSH_PRESET_ORIGINAL : PULLPUSH_PRESET_ORTHOGONAL
        let c = try evaluateInC(Int32(preset))
        let python = try evaluateInPython(loss == .original ? "original" : "orthogonal")
        #expect(c.loss.bitPattern == result.loss.bitPattern)
        #expect(python.loss.bitPattern == result.loss.bitPattern)
        #expect(c.gradient.map(\.bitPattern) == gradient.map(\.bitPattern))
        #expect(python.gradient.map(\.bitPattern) == gradient.map(\.bitPattern))
    }

    func evaluateInC(_ preset: Int32) throws -> (loss: Double, gradient: [Float]) {
        let handle = try #require(dlopen(Self.library, RTLD_NOW | RTLD_LOCAL), "build/libpullpush.so: run make lib")
        func function<T>(_ name: String, _: T.Type) throws -> T {
            unsafeBitCast(try #require(dlsym(handle, name)), to: T.self)
        }
        let initialise = try function(
            "pullpush_options_preset",
            (@convention(c) (UnsafeMutablePointer<pullpush_options>, Int, Int32) -> Int32).self)
        let evaluate = try function(
            "pullpush_evaluate",
            (@convention(c) (
                UnsafePointer<pullpush_batch>, UnsafePointer<pullpush_options>, UnsafeMutablePointer<pullpush_result>,
                UnsafeMutableRawPointer?, Int, UnsafeMutablePointer<CChar>?, Int
            ) -> Int32).self)

        var options = pullpush_options()
        #expect(initialise(&options, MemoryLayout<pullpush_options>.size, preset) == 0)
        var result = pullpush_result()
        result.struct_size = MemoryLayout<pullpush_result>.size
        var gradient = [Float](repeating: 0, count: Self.features.count)
        let status = Self.features.withUnsafeBytes { features in
            var batch = pullpush_batch()
            batch.struct_size = MemoryLayout<pullpush_batch>.size
            batch.features = features.baseAddress
            (batch.rows, batch.dim, batch.samples_per_id) = (Self.rows, Self.dim, Self.samplesPerId)
            batch.dtype = Int32(PULLPUSH_DTYPE_F32)
            return gradient.withUnsafeMutableBytes { evaluate(&batch, &options, &result, $0.baseAddress, 0, nil, 0) }
        }
        #expect(status == 0)
        return (result.loss, gradient)
    }

    func evaluateInPython(_ preset: String) throws -> (loss: Double, gradient: [Float]) {
        setenv("PULLPUSH_LIBRARY", Self.library, 1)
        Py_InitializeEx(0)
        let globals = PyModule_GetDict(PyImport_AddModule("__main__"))
        let features = Self.features.withUnsafeBytes {
            PyBytes_FromStringAndSize($0.bindMemory(to: CChar.self).baseAddress, $0.count)
        }
        PyDict_SetItemString(globals, "features", features)
        let program = """
            import numpy, pullpush
            rows = numpy.frombuffer(features, numpy.float32).reshape(\(Self.rows), \(Self.dim))
            loss = pullpush.PullPushLoss.preset("\(preset)")(rows, samples_per_id=\(Self.samplesPerId))
            value, gradient = float(loss), loss.backward().tobytes()
            """
        try #require(
            PyRun_SimpleStringFlags(program, nil) == 0,
            "Python could not run pullpush; PYTHONPATH must hold NumPy and python/")
        let value = PyFloat_AsDouble(PyDict_GetItemString(globals, "value"))
        let bytes = try #require(PyBytes_AsString(PyDict_GetItemString(globals, "gradient")))
        let gradient = UnsafeRawBufferPointer(start: bytes, count: Self.features.count * MemoryLayout<Float>.size)
        return (value, Array(gradient.bindMemory(to: Float.self)))
    }
}
