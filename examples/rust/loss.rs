// From Rust without a crate: what the header declares, written once more as `extern "C"`.
use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_void};

const DTYPE_F32: i32 = 1;
const PRESET_ORTHOGONAL: i32 = 1;

#[repr(C)]
struct Batch {
    struct_size: usize,
    features: *const c_void,
    rows: usize,
    dim: usize,
    row_stride: usize,
    labels: *const i64,
    samples_per_id: usize,
    dtype: i32,
    reserved: i32,
}

#[repr(C)]
#[derive(Default)]
struct Options {
    struct_size: usize,
    normalize: i32,
    self_pairs: i32,
    push: i32,
    reduction: i32,
    push_between: i32,
    objective: i32,
    target: f64,
    margin: f64,
    pull_weight: f64,
    push_weight: f64,
    upstream: f64,
    num_threads: i32,
    check_finite: i32,
    accumulate: i32,
    reserved: i32,
}

#[repr(C)]
#[derive(Default)]
struct Outcome {
    struct_size: usize,
    loss: f64,
    pull: f64,
    push: f64,
    mean_positive: f64,
    mean_negative: f64,
    positive_pairs: u64,
    negative_pairs: u64,
    active_pairs: u64,
}

#[link(name = "pullpush")]
extern "C" {
    fn pullpush_options_preset(options: *mut Options, struct_size: usize, preset: i32) -> c_int;
    fn pullpush_evaluate(
        batch: *const Batch,
        options: *const Options,
        result: *mut Outcome,
        gradient: *mut c_void,
        gradient_stride: usize,
        message: *mut c_char,
        message_size: usize,
    ) -> c_int;
}

/// The loss of raw rows with one label each, and its gradient; or the library's own sentence.
fn orthogonal(features: &[f32], labels: &[i64], dim: usize) -> Result<(Outcome, Vec<f32>), String> {
    assert_eq!(features.len(), labels.len() * dim);
    let batch = Batch {
        struct_size: std::mem::size_of::<Batch>(),
        features: features.as_ptr().cast(),
        rows: labels.len(),
        dim,
        row_stride: 0,
        labels: labels.as_ptr(),
        samples_per_id: 0,
        dtype: DTYPE_F32,
        reserved: 0,
    };
    let mut options = Options::default();
    let mut result = Outcome { struct_size: std::mem::size_of::<Outcome>(), ..Default::default() };
    let mut gradient = vec![0.0f32; features.len()];
    let mut message = [0 as c_char; 200];
    // SAFETY: the pointers are to live values of the sizes stated beside them, and the library keeps none.
    let status = unsafe {
        pullpush_options_preset(&mut options, std::mem::size_of::<Options>(), PRESET_ORTHOGONAL);
        options.check_finite = 1;
        let slopes = gradient.as_mut_ptr().cast();
        pullpush_evaluate(&batch, &options, &mut result, slopes, 0, message.as_mut_ptr(), message.len())
    };
    if status != 0 {
        // SAFETY: on failure the library has written a sentence that ends in a NUL.
        let sentence = unsafe { CStr::from_ptr(message.as_ptr()) };
        return Err(sentence.to_string_lossy().into_owned());
    }
    Ok((result, gradient))
}

fn main() -> Result<(), String> {
    let labels = [7, -1, 7, -1];
    let mut features = [2.0, 1.0, 0.0, 3.0, 4.0, 3.0, 1.0, 2.0];

    let (result, gradient) = orthogonal(&features, &labels, 2)?;
    println!("loss {:.4} = pull {:.4} + push {:.4}", result.loss, result.pull, result.push);
    println!("gradient of row 0: {:.4} {:.4}", gradient[0], gradient[1]);

    features[5] = f32::NAN;
    if let Err(sentence) = orthogonal(&features, &labels, 2) {
        println!("refused: {sentence}");
    }
    Ok(())
}
