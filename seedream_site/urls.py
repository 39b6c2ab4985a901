"""All addresses of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language

from jobs.views.account import AskForNewPassword, SignIn
from jobs.views.health import figures, readyz
from jobs.views.site import healthz

admin.site.site_header = admin.site.site_title = _("Seedream Desk")


@login_not_required
def icon(request: HttpRequest) -> HttpResponseRedirect:
    """Browsers ask for it by themselves where a page names no icon, as Django's admin."""
    return redirect(static("img/icon.svg"))


handler400 = "jobs.views.site.bad_request"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", figures, name="metrics"),
    path("favicon.ico", icon, name="favicon"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-in/forgotten/", AskForNewPassword.as_view(), name="password_reset"),
    path("sign-in/forgotten/sent/", auth.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("sign-in/new-password/done/", auth.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path(
        "sign-in/new-password/<uidb64>/<token>/",
        auth.PasswordResetConfirmView.as_view(),
        name="password_reset_confirm",
    ),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("password/changed/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("api/v1/", include("jobs.api")),
    path("", include("jobs.runcomfy_api")),
    path("admin/", admin.site.urls),
    path("", include("jobs.urls")),
]
