//! Users, their API keys, and instances: the operator's calls.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use trainyard_api::instance::{
    ApiKey, InstanceList, InstanceResource, NewApiKey, NewInstance, NewPassword, NewUser, User,
    UserList,
};

use crate::error::ClientError;
use crate::http::{self, Client, QUICK};

const USERS: &str = "/v3/users";
const INSTANCES: &str = "/v3/wml_instances";

/// A name as one part of an address.
fn part(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

impl Client {
    /// `GET /v3/users`.
    pub async fn users(&self) -> Result<UserList, ClientError> {
        http::json(self.get(USERS).timeout(QUICK)).await
    }

    /// `POST /v3/users`.
    pub async fn create_user(&self, user: &NewUser) -> Result<User, ClientError> {
        http::json(self.post(USERS).json(user).timeout(QUICK)).await
    }

    /// `DELETE /v3/users/{name}`.
    pub async fn remove_user(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("{USERS}/{}", part(name));
        http::done(self.request(Method::DELETE, &path).timeout(QUICK)).await
    }

    /// `PUT /v3/users/{name}/password`.
    pub async fn set_password(
        &self,
        name: &str,
        password: &NewPassword,
    ) -> Result<(), ClientError> {
        let path = format!("{USERS}/{}/password", part(name));
        http::done(self.request(Method::PUT, &path).json(password).timeout(QUICK)).await
    }

    /// `POST /v3/users/{name}/api_keys`.
    pub async fn create_api_key(&self, user: &str, key: &NewApiKey) -> Result<ApiKey, ClientError> {
        let path = format!("{USERS}/{}/api_keys", part(user));
        http::json(self.post(&path).json(key).timeout(QUICK)).await
    }

    /// `DELETE /v3/users/{name}/api_keys/{key}`.
    pub async fn remove_api_key(&self, user: &str, key: &str) -> Result<(), ClientError> {
        let path = format!("{USERS}/{}/api_keys/{}", part(user), part(key));
        http::done(self.request(Method::DELETE, &path).timeout(QUICK)).await
    }

    /// `GET /v3/wml_instances`.
    pub async fn instances(&self) -> Result<InstanceList, ClientError> {
        http::json(self.get(INSTANCES).timeout(QUICK)).await
    }

    /// `POST /v3/wml_instances`.
    pub async fn create_instance(
        &self,
        instance: &NewInstance,
    ) -> Result<InstanceResource, ClientError> {
        http::json(self.post(INSTANCES).json(instance).timeout(QUICK)).await
    }

    /// `DELETE /v3/wml_instances/{id}`.
    pub async fn delete_instance(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("{INSTANCES}/{}", part(id));
        http::done(self.request(Method::DELETE, &path).timeout(QUICK)).await
    }

    /// `PUT` or `DELETE /v3/wml_instances/{id}/members/{name}`.
    pub async fn set_member(&self, id: &str, user: &str, belongs: bool) -> Result<(), ClientError> {
        let path = format!("{INSTANCES}/{}/members/{}", part(id), part(user));
        let method = if belongs { Method::PUT } else { Method::DELETE };
        http::done(self.request(method, &path).timeout(QUICK)).await
    }
}
